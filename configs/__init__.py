"""The configs that ship with the package; installed as `tf_melgan.configs`."""
