"""The only door: admission, priorities, deadlines, quotas, ladder, waiting room."""
