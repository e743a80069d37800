"""Reads the weights of vocoders that other projects trained: one module a project.

`tf_melgan.interop.importing.import_voice` makes a voice of them. A module has a `Source`, which
`registry` lists.
"""
