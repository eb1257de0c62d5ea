"""Money: nothing costs anything yet."""
