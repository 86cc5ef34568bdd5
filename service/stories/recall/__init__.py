"""Who is told when: appointments, their ladders, the day's letters, and the lists of those who did not come."""
