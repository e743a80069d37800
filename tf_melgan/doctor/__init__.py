"""Says what a file or folder is, whether it is whole, and what to do with it.

`tf_melgan.doctor.diagnosis.diagnose` finds out; `tf-melgan doctor` prints it.
"""
