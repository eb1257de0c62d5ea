"""Finding datasets: what is kept about listings for it, filters and their counts, words and their spelling."""
