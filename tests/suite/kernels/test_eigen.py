"""The emulated softmax against genuine recordings, bit for bit, and against faults planted in the emulation."""

import inspect
import types

import numpy as np
import pytest

from legacy_tf1 import softmax_rows
from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.suite.kernels import LANES, eigen, libm, reduce_mean, softmax, softmax_gradient
from tf_repro.suite.recordings import RECORDINGS, load_recording

LANES_OF = {"1.4.1": 4, "1.5.1": 8}


def recorded(release):
    """The float32 cases of the release's recording."""
    rows = load_recording(RECORDINGS / f"softmax-rows-tf-{release}.json")["softmax_rows"]
    return {name: quantities for name, quantities in rows.items() if name.startswith("float32")}


def emulated(lanes, kernel=eigen):
    """What the recording would hold, had `kernel` been the release."""
    moments = {}
    for name, logits, cotangent in softmax_rows.cases():
        if logits.dtype == np.float32:
            y = kernel.softmax(logits, lanes)
            gradient = kernel.softmax_gradient(y, cotangent, lanes)
            moments[name] = softmax_rows.abridged({"y": y, "gradient": gradient})
    return moments


@pytest.mark.parametrize("release", LANES_OF)
def test_every_row_has_the_bits_of_genuine_tensorflow(release):
    assert Record(emulated(LANES_OF[release])) == Record(recorded(release))


@pytest.mark.parametrize("release", LANES_OF)
def test_the_recordings_tell_the_lanes_apart(release):
    """All but rows of less than a packet, and of 8 to 11: two packets of four fold as one of eight does."""
    (other,) = set(LANES) - {LANES_OF[release]}
    ours, theirs = emulated(other), recorded(release)
    same = {width_of(name) for name in theirs if Record({"": ours[name]}) == Record({"": theirs[name]})}
    differ = {width_of(name) for name in theirs if Record({"": ours[name]}) != Record({"": theirs[name]})}
    assert same - differ == {2, 3, 8, 10, 11}
    assert differ - same == {33, 100, 127, 1000}


def width_of(name):
    """The last length in a case's name, such as "float32 40x33 scale 5"."""
    return int(name.split()[1].split("x")[-1])


FAULTS = {
    "division": ("powers * (f32(1) / _row_sum(powers, lanes))", "powers / _row_sum(powers, lanes)"),
    "fused multiply-add": (
        "value = value * r + coefficient",
        "value = (value.astype(np.float64) * r + coefficient).astype(np.float32)",
    ),
    "neighbouring lanes folded": (
        "packet[:, :half] + packet[:, half:]",
        "packet[:, ::2] + packet[:, 1::2]",
    ),
    "another polynomial": ("1.6666665459e-1", "1.6666667163e-1"),
    "clipped elsewhere": ("f32(88.3762626647950)", "f32(87.0)"),
    "the C library everywhere": ("_packet_exp(flat[:packed])", "expf(flat[:packed])"),
    "packets everywhere": ("expf(flat[packed:])", "_packet_exp(flat[packed:])"),
    "packets row by row": (
        "_exp(z - z.max(-1, keepdims=True), lanes)",
        "np.concatenate([_exp(row, lanes)[None] for row in z - z.max(-1, keepdims=True)])",
    ),
    "the rest added to the packets": ("rest = np.zeros((len(rows), 1), np.float32)", "rest, packet = packet, f32(0)"),
    "one sum in NumPy's order": (
        "return _flushed(rest + packet)",
        "return rows.sum(-1, keepdims=True)",
    ),
    "products not rounded": (
        "_row_sum(_flushed(cotangent * probabilities), lanes)",
        "(cotangent.astype(np.float64) * probabilities).sum(-1, keepdims=True).astype(np.float32)",
    ),
    "subnormal numbers kept": ("np.abs(values) < SMALLEST_NORMAL", "np.abs(values) < 0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    right, wrong = FAULTS[fault]
    source = inspect.getsource(eigen)
    assert source.count(right) == 1
    kernel = types.ModuleType("faulty")
    exec(source.replace(right, wrong), vars(kernel))
    assert all(Record(emulated(lanes, kernel)) != Record(recorded(release)) for release, lanes in LANES_OF.items())


def test_the_c_librarys_exp_is_not_always_correctly_rounded():
    """Three floats at which glibc 2.36's differs from the rounded exact value."""
    x = np.float32([-float.fromhex(h) for h in ("0x1.9424fcp-14", "0x1.c12628p-14", "0x1.d466b2p-14")])
    glibc = np.float32([float.fromhex(h) for h in ("0x1.fff36p-1", "0x1.fff1f8p-1", "0x1.fff15ep-1")])
    np.testing.assert_array_equal(libm.expf(x), glibc)
    np.testing.assert_array_equal(
        libm.expf(x), np.nextafter(np.exp(x.astype(np.float64)).astype(np.float32), np.float32(2))
    )


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("row", [[-np.inf] * 9, [np.inf] + [0] * 8, [0] * 8 + [np.nan], [np.nan] + [0] * 8])
def test_a_row_without_a_softmax_is_nan_and_leaves_its_neighbours_alone(row, lanes):
    y = softmax(np.float32([row, [0] * 9]), lanes)
    assert np.isnan(y[0]).all()
    np.testing.assert_array_equal(y[1], np.float32([1 / 9] * 9))


@pytest.mark.parametrize("lanes", LANES)
def test_minus_infinity_has_probability_and_gradient_exactly_zero(lanes):
    y = softmax(np.float32([-np.inf] + [0] * 8 + [-np.inf]), lanes)
    gradient = softmax_gradient(y, np.float32(range(10)), lanes)
    assert y[0] == y[-1] == gradient[0] == gradient[-1] == 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: softmax(np.float32([1]), 16), "lanes must be 4 or 8. Received: 16"),
        (lambda: softmax(np.float64([1]), 4), r"logits must be float32 with entries .*Received: float64\[1\]"),
        (lambda: softmax(np.float32(1), 4), r"logits must be float32 with entries .*Received: float32\[\]"),
        (lambda: softmax(np.zeros((2, 0), np.float32), 4), r"Received: float32\[2, 0\]"),
        (lambda: reduce_mean(np.zeros(2), 4), r"values must be float32 .*Received: float64\[2\]"),
        (
            lambda: softmax_gradient(np.float32([1]), np.float32([1, 2]), 4),
            r"y and dy must have one shape. Received: \(1,\) and \(2,\)",
        ),
    ],
)
def test_bad_inputs(call, message):
    with pytest.raises(InputError, match=message):
        call()
