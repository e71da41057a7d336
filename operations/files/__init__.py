"""Order files on a stage: what is stored of each, its execution, and decisions about it."""
