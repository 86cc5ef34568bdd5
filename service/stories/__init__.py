"""What happens, one file each. What takes `runtime` opens one transaction; what takes `tx` never commits."""
