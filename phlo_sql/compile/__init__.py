"""Intent and state in, plan out: pure functions, no network, no clock."""
