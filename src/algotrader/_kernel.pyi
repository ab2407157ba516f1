"""Types of the native kernel (native/bindings). One section per binding file, in its order."""

from numpy.typing import NDArray
from numpy import float64

__version__: str

# reduce
def fixed_sum(values: NDArray[float64]) -> float: ...
