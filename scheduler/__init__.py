"""When things happen: one clock, one page of timetable."""
