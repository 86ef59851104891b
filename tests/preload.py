"""What the processes of ``processes.run`` find imported."""

import tests.conftest  # noqa: F401  TensorFlow's log level
from tf_csvae import evaluation, figures, models, report  # noqa: F401
