"""What exists and who may have it: datasets, versions, files, listings, offers, licences, delivery."""
