"""Which atoms a prediction comes from, whether that can be trusted, and a page on it."""
