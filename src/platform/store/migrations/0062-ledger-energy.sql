-- Null where the machine has no energy counter.
ALTER TABLE ledger_requests ADD COLUMN joules real;
