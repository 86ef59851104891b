import subprocess
import sys

# Threads of tf.data are in Python, and wait for it, when the script ends with its iterator. With
# tf.numpy_function itself every third or fourth such process did not end.
SCRIPT = """
import numpy as np
import tensorflow as tf
from tf_csvae.data.python_calls import python_call

def read(number):
    return np.full(100_000, number)

numbers = tf.data.Dataset.range(2**40)
read_ahead = numbers.map(lambda n: python_call(read, [n], tf.int64), num_parallel_calls=4).prefetch(4000)
iterator = iter(read_ahead)
print(int(next(iterator)[0]), int(next(iterator)[0]))
"""


def test_a_script_that_keeps_its_iterator_ends():
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.split()) == (0, ["0", "1"]), ran.stderr[-2000:]
