"""Types of the native kernel (native/bindings). One section per binding file, in its order."""

from numpy import float64
from numpy.typing import NDArray

__version__: str

# reduce
def fixed_sum(values: NDArray[float64]) -> float: ...
