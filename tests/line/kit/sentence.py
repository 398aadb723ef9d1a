"""Finding a known sentence in what a telephone received, after codecs, resampling, and a jitter buffer.

Two measures, each from 0 to 1, must agree. Envelopes: the loudness of eight bands over time, which survives
every codec. Waveform: the sentence in pieces of 0.2 s, each allowed to sit a little early or late, which only
the same voice saying the same words at the same pace can match, and which dates the sentence to the sample.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .audio import RATE, Samples

Floats = npt.NDArray[np.float64]

HOP = 80
"""Samples between two envelope values: 10 ms."""
WINDOW = 256
BAND_EDGES = np.geomspace(250, 3400, 9)
"""Hz. What a telephone lets through."""
QUIET = 1e-4
"""Power below this part of the loudest counts as silence: -40 dB."""

ENVELOPES_NEEDED = 0.6
WAVEFORM_NEEDED = 0.25
PIECE = 1600
SLACK = 400
"""Samples by which a piece may be early or late: 50 ms."""


@dataclass(frozen=True, slots=True)
class Match:
    """One place where a sentence was heard."""

    at: float
    """When its first sample arrived, monotonic seconds."""
    score: float
    """The mean of the two measures, 0 to 1."""
    envelopes: float
    waveform: float


def find_sentence(reference: Samples, heard: Samples, start: float) -> list[Match]:
    """Every place in `heard` (int16, 8 kHz, first sample at `start`) where both measures pass, best first.

    Raises ValueError for a reference that is silent or shorter than 0.3 s: nothing could be recognised by it.
    """
    sound, lead = _without_silent_edges(reference)
    if len(sound) < 0.3 * RATE:
        raise ValueError(f"the reference has {len(sound) / RATE:.2f} s of sound, at least 0.3 s are needed")
    if len(heard) < len(sound):
        heard = np.concatenate([heard, np.zeros(len(sound) - len(heard) + HOP, np.int16)])
    matches = []
    for place, envelopes in _candidates(sound, heard):
        waveform, shift = _waveform_score(sound, heard, place)
        if waveform >= WAVEFORM_NEEDED:
            at = start + (place + shift - lead) / RATE
            matches.append(Match(at, (envelopes + waveform) / 2, envelopes, waveform))
    return sorted(matches, key=lambda match: -match.score)


def holes_in(
    reference: Samples, heard: Samples, start: float, match: Match, longest_allowed: float
) -> list[tuple[float, float]]:
    """(when, seconds) of each stretch over `longest_allowed` s where only the reference sounds."""
    offset = round((match.at - start) * RATE)
    padded = np.pad(heard, (max(0, -offset), max(0, offset + len(reference) - len(heard))))
    aligned = padded[max(0, offset) :][: len(reference)]
    expected, received = _loudness(reference), _loudness(aligned)
    missing = (expected > 0.06 * expected.max()) & (received < 0.01 * received.max())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    runs = [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
    dated = [(match.at + first * HOP / RATE, (last - first) * HOP / RATE) for first, last in runs]
    return [hole for hole in dated if hole[1] > longest_allowed]


def _loudness(samples: Samples) -> Floats:
    count = len(samples) // HOP
    windows = samples[: count * HOP].reshape(count, HOP).astype(np.float64)
    levels: Floats = np.sqrt(np.mean(windows**2, axis=1))
    return levels


def _without_silent_edges(samples: Samples) -> tuple[Samples, int]:
    """The sound, and how many silent samples stood before it."""
    if not len(samples):
        return samples, 0
    sounding = np.flatnonzero(
        np.abs(samples.astype(np.int32)) > 0.02 * np.max(np.abs(samples.astype(np.int32)))
    )
    if not len(sounding):
        return samples[:0], 0
    return samples[sounding[0] : sounding[-1] + 1], int(sounding[0])


def _band_envelopes(samples: Samples) -> Floats:
    """Shape (bands, hops): the power of each band in dB, floored 40 dB under the loudest."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), WINDOW)[::HOP]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    bins = np.searchsorted(np.fft.rfftfreq(WINDOW, 1 / RATE), BAND_EDGES)
    power = np.stack([spectra[:, low:high].sum(axis=1) for low, high in itertools.pairwise(bins)])
    decibels: Floats = 10 * np.log10(power + QUIET * max(power.max(), 1.0))
    return decibels


def _candidates(sound: Samples, heard: Samples) -> list[tuple[int, float]]:
    """(sample, envelope score) of each peak that passes, no two closer than half the sentence."""
    scores = _sliding_correlation(_band_envelopes(sound), _band_envelopes(heard))
    apart = max(1, len(sound) // HOP // 2)
    found = []
    while len(scores) and (best := int(np.argmax(scores))) is not None and scores[best] >= ENVELOPES_NEEDED:
        found.append((best * HOP, float(scores[best])))
        scores[max(0, best - apart) : best + apart] = 0
    return found


def _sliding_correlation(pattern: Floats, field: Floats) -> Floats:
    """Pearson's correlation of `pattern` with each window of `field`: bands together, each about its mean."""
    width = pattern.shape[1]
    centred = pattern - pattern.mean(axis=1, keepdims=True)
    size = field.shape[1] + width
    product = np.fft.rfft(field, size) * np.conj(np.fft.rfft(centred, size))
    inner = np.fft.irfft(product, size)[:, : field.shape[1] - width + 1].sum(axis=0)
    energy = _moving_sum(field**2, width) - _moving_sum(field, width) ** 2 / width
    spread = np.sqrt(np.maximum(energy.sum(axis=0), 1e-9))
    norm = np.sqrt((centred**2).sum())
    # A window with hardly any movement is silence or noise: it must not win by having nothing to divide by.
    scores: Floats = inner / (norm * np.maximum(spread, 0.2 * norm))
    return scores


def _moving_sum(rows: Floats, width: int) -> Floats:
    total = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    sums: Floats = total[:, width:] - total[:, :-width]
    return sums


def _waveform_score(sound: Samples, heard: Samples, place: int) -> tuple[float, int]:
    """The mean best correlation of the pieces, weighted by loudness, and the median shift in samples."""
    scores, shifts, weights = [], [], []
    for begin in range(0, max(1, len(sound) - PIECE // 2), PIECE):
        piece = sound[begin : begin + PIECE].astype(np.float64)
        score, shift = _place_piece(piece, heard, place + begin)
        scores.append(score)
        shifts.append(shift)
        weights.append(np.sqrt((piece**2).sum()))
    best = [shift for shift, score in zip(shifts, scores, strict=True) if score >= np.median(scores)]
    return float(np.average(scores, weights=weights)), round(float(np.median(best)))


def _place_piece(piece: Floats, heard: Samples, place: int) -> tuple[float, int]:
    """The best normalised correlation within the slack, and how far from `place` it lies."""
    low, high = place - SLACK, place + len(piece) + SLACK
    around = np.pad(
        heard[max(0, low) : max(0, high)].astype(np.float64), (max(0, -low), max(0, high - len(heard)))
    )
    inner = np.correlate(around, piece, mode="valid")
    energy = _moving_sum(around[None, :] ** 2, len(piece))[0]
    norm = np.sqrt((piece**2).sum()) * np.sqrt(np.maximum(energy, 1.0))
    scores = inner / np.maximum(norm, 1.0)
    best = int(np.argmax(scores))
    return max(0.0, float(scores[best])), best - SLACK
