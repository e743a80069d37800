"""The command line `tf-melgan`, one module per command."""
