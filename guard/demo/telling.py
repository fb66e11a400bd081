"""How the demo tells its story: chapters, steps that either do what they should or do not, and the count at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table


@dataclass
class Teller:
    """The story so far, and what went other than it should."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    steps: int = 0
    failed: list[str] = field(default_factory=list)

    def open(self, title: str, text: str) -> None:
        """The first words."""
        self.console.print(Panel(escape(text), title=escape(title), border_style="cyan"))

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """One part of the story. Trouble inside it is a failed step, and the story ends there."""
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left")
        yield

    def say(self, text: str) -> None:
        """Something that is only told."""
        self.console.print(f"  {escape(text)}")

    def check(self, holds: bool, text: str) -> None:
        """A step: it did what it should, or the demo fails."""
        self.steps += 1
        mark = "[green]ok[/green]  " if holds else "[bold red]NO[/bold red]  "
        self.console.print(f"  {mark}{escape(text)}")
        if not holds:
            self.failed.append(text)

    def quote(self, text: str) -> None:
        """What somebody read or a signer said, word for word."""
        for line in text.splitlines():
            self.console.print(f"      [dim]{escape(line)}[/dim]")

    def show_table(self, title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Figures side by side."""
        table = Table(title=escape(title), title_justify="left")
        for place, name in enumerate(head):
            table.add_column(escape(name), justify="left" if place == 0 else "right")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print(table)

    def close(self, seconds: float) -> int:
        """The last words, and the exit status."""
        self.console.print()
        if self.failed:
            self.console.print(
                f"[bold red]{len(self.failed)} of {self.steps} steps did not do what they should:[/bold red]"
            )
            for text in self.failed:
                self.console.print(f"  {escape(text)}")
        else:
            self.console.print(f"[bold green]all {self.steps} steps did what they should[/bold green]")
        self.console.print(f"the story took {seconds:.1f} s")
        return 1 if self.failed else 0
