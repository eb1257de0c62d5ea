"""Is it any good: profiles and measures, Arrow in, report out."""
