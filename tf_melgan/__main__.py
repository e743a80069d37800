"""`python -m tf_melgan` is the command `tf-melgan`."""

import sys

from tf_melgan.cli.main import main

sys.exit(main())
