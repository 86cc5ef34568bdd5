"""What happens, one file each, in seven rooms. With `runtime` it opens one transaction; with `tx` it never commits."""
