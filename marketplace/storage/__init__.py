"""The object store: blobs by digest, private objects, signed links."""
