"""The tables of the simulator's own file; each is made where it is missing."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS phone (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  number TEXT NOT NULL UNIQUE,
  is_shown INTEGER NOT NULL DEFAULT 1,
  is_on INTEGER NOT NULL DEFAULT 1,
  session_id TEXT NOT NULL DEFAULT '',
  is_calling INTEGER NOT NULL DEFAULT 0,
  text TEXT NOT NULL DEFAULT '',
  hops INTEGER NOT NULL DEFAULT 0,
  dialled_at INTEGER NOT NULL DEFAULT 0,
  screen TEXT NOT NULL DEFAULT '',
  screen_kind TEXT NOT NULL DEFAULT 'idle'
);
CREATE TABLE IF NOT EXISTS sms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL UNIQUE,
  number TEXT NOT NULL,
  other TEXT NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL,
  is_received INTEGER NOT NULL,
  arrival INTEGER
);
CREATE INDEX IF NOT EXISTS sms_number ON sms (number, arrival);
CREATE INDEX IF NOT EXISTS sms_arrival ON sms (arrival);
CREATE TABLE IF NOT EXISTS callback (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event TEXT NOT NULL,
  form TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER
);
CREATE INDEX IF NOT EXISTS callback_due ON callback (next_at, id);
CREATE TABLE IF NOT EXISTS open_call (
  number TEXT PRIMARY KEY,
  form TEXT NOT NULL,
  asks_at TEXT NOT NULL,
  callback_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
