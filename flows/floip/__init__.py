"""FLOIP 1.0.0-rc4: any container of the Flow Interoperability Specification is read, run and checked here.

`floip_container` reads, `floip_runner` runs, `floip_checks` checks. How grey areas were decided: docs/floip.md.
"""
