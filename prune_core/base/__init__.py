"""What everything stands on: errors, files, the registry, seeds, descriptions, the store, a trial's folder."""
