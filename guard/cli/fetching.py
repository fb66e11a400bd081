"""Getting things off the server into files: evidence, verified before it is written, and a transfer as a folder to carry by hand."""

from __future__ import annotations

from pathlib import Path

from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.folder import TransferFolder, create_folder, keep_statement, load_folder
from guard.cli.heard import hear
from guard.cli.standing import load_checked
from guard.cli.storing import keep_file
from guard.cli.subject import is_id
from guard.cli.voice import Voice
from guard.clients.reported import refuse_answer
from guard.core.ids import PersonId
from guard.evidence.verify import verify_evidence
from guard.statements.values import transfer_of


def fetch_evidence(voice: Voice, desk: Desk, named: str, out: Path) -> None:
    """Write the evidence of a release, once every check of it holds under this desk's bundle. Raises `evidence.*` else."""
    reported = load_checked(desk, named)
    raw = desk.reach.open_books().get_bytes(f"/v1/transfers/{reported.transfer_id}/evidence")
    report = verify_evidence(raw, desk.edition.digest)
    if report.transfer_id != reported.transfer_id:
        raise refuse_answer(f"the server sent evidence of transfer {report.transfer_id}")
    keep_file(out, raw)
    voice.tell(
        {"transfer": reported.transfer_id, "file": str(out), "valid": report.is_valid, "nonce": report.nonce},
        report.summary,
        "",
        f"evidence in {out}: {len(report.outcomes)} checks hold",
        f"next: give it to whoever asks, who runs guard verify {out} --pin with the digest that they compared",
    )


def fetch_folder(desk: Desk, named: str) -> TransferFolder:
    """The folder itself, or that of a transfer which the server shows: written below `transfers`, never over something else."""
    if not is_id(desk, named):
        return load_folder(Path(named))
    reported = load_checked(desk, named)
    folder = create_folder(Path("transfers") / reported.transfer_id[2:14], reported.transfer)
    for each in hear(desk, reported.transfer_id, reported.statements, read_now()):
        if transfer_of(each.signed.statement) != reported.transfer:
            raise refuse_answer(f"the server sent a statement that is not about transfer {reported.transfer_id}")
        keep_statement(folder.path, each.signed, PersonId(each.person or "nobody"))
    return load_folder(folder.path)
