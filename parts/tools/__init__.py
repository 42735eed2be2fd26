"""Programs of other projects that tests run, each in an environment of its own."""
