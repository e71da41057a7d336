"""Plain functions on plain data: what an order file is, and what becomes of it. No AWS."""
