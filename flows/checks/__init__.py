"""One file for each thing that is proved about a flow; `flows.check` asks them all."""
