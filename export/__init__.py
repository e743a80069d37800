"""From trained weights to files that run elsewhere; installed as `tf_melgan.export`."""
