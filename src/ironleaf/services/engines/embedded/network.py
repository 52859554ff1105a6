"""One neural network on one core: the only place that touches the inference library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import onnxruntime

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LOG_FATAL: Final = 4
"""The library writes to standard error by itself; failures reach us as exceptions anyway."""
SMALL_RUN_BYTES: Final = 48 * 480 * 3 * 4
"""Input of a short line of text. What a larger run needs beyond this is given back at its end: kept, it was 90 MB
of each process; given back, the time over a page is the same, measured."""


class Network:
    """A loaded network with one input and one output.

    One thread, since pages are spread over processes: two processes of one thread did
    1.27 times the work of one process of two. Threads that spin while they wait nearly double
    the CPU time, measured. ``keeps_memory`` keeps buffers between runs: right for small
    and frequent runs, while one large run for each page would hold on to its peak for ever.
    """

    def __init__(self, weights: bytes, *, keeps_memory: bool) -> None:
        library: Any = onnxruntime  # it carries no types
        options = library.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = LOG_FATAL
        options.enable_cpu_mem_arena = keeps_memory
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self._giving_back: Any = library.RunOptions() if keeps_memory else None
        if keeps_memory:
            self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._session = library.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._input: str = self._session.get_inputs()[0].name

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the network's output for a batch of shape (n, 3, height, width)."""
        options = self._giving_back if values.nbytes > SMALL_RUN_BYTES else None
        return cast("npt.NDArray[np.float32]", self._session.run(None, {self._input: values}, options)[0])
