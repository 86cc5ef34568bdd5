"""What happens, one file each. A function that takes `runtime` opens a transaction; one that takes `tx` never commits."""
