"""phlo-sql's commands as phlo runs them: its click classes, its exits, its governance."""
