"""How data comes to be: the generator contract, the runner, the house's generators, runs and orders."""
