"""Ed25519 keys, JWS, DSSE and the published key set."""
