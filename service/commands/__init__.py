"""The commands of `laseli`, one file for each kind of work; `service.cli` puts them together."""
