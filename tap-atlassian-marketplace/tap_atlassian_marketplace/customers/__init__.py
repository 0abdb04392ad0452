"""What Marketplace rows mean: pure functions that know neither Singer nor HTTP."""
