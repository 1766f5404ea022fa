"""The register: an owners' list sealed, kept in generations and opened for lookups; its keys."""
