"""The alerts: one finding each, with its search, its condition and its words in both languages."""
