"""What people ask of the server: propose, approve, reject, withdraw, veto, freeze, unfreeze; and what they are shown.

Values: a `SignedStatement` and how it was `Asked` come in, an `Acknowledgement` goes out, with the statement's place in the log and the
chain head after it. A `Known` is what the server knows of policies, an `Outlook` what `decide` says by the server's own facts.

Arrows, the same for every verb:

    asked -> admitted (pure: signature, key, policy, dates)
          -> one transaction of the books: statement, log entry, state, outbox message, errand, replay
          -> acknowledged
    refused, signed by a key of the roster -> `attempt.refused` in the log, in a transaction of its own
    refused otherwise -> counted, nothing else

States move here only towards an end: a veto makes a transfer vetoed, a withdrawal rejected, and so does a rejection after which the
people who remain cannot fill its seats. Everything else that happens to a transfer is the worker's to tell.

Nothing here lets money move. Signers verify every statement themselves, by their own bundles, journals and clocks: whoever takes this
room over can hide statements, show wrong predictions and write rows that no signer believes. What is said of the future is a prediction.
"""
