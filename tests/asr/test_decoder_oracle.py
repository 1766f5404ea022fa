"""The compiled search finds what a plain one finds: on random graphs, and on the product's own."""

import random
import threading

import numpy as np
import pytest
from grammar_speech import graph_of, heard
from numpy_beam import decode as plain

from asr.grammars.grammar import Grammar, Graph
from asr.grammars.units import UNITS
from asr.search.decoder import decode

FEW_UNITS = 12
GARBAGE = FEW_UNITS


def random_graph(rng, nodes=40, states=15):
    """Any arcs from any state to any nodes, some to the end; units repeat, outputs too."""
    outputs = ("", "1", "12", "赣", "A")
    first, target, weight, output = [0], [], [], []
    for _ in range(states):
        fan = int(rng.integers(1, 9))
        target += rng.choice(nodes, fan, replace=False).tolist() + [-1] * int(rng.integers(0, 2))
        share = rng.random(len(target) - first[-1])
        weight += np.log(share / share.sum()).tolist()
        output += rng.integers(0, len(outputs), len(share)).tolist()
        first.append(len(target))
    return Graph(rng.integers(1, FEW_UNITS + 1, nodes).astype(np.int32), ("x",) * nodes,
                 rng.integers(0, states, nodes).astype(np.int32), np.array(first, np.int32),
                 np.array(target, np.int32), np.array(weight, np.float32),
                 np.array(output, np.int32), outputs)


def posteriors(rng, frames, units=FEW_UNITS, spread=2.0):
    logits = rng.normal(0, spread, (frames, units))
    logits[rng.random(frames) < 0.3, 0] += 12.0          # some frames are surely blank
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def assert_same(found, wanted):
    assert (found.free, found.units) == (wanted.free, wanted.units)
    assert [path.log_score for path in found.paths] == pytest.approx(
        [path.log_score for path in wanted.paths], abs=1e-4)
    scores = {(path.value, path.complete): path.log_score for path in found.paths}
    assert len(scores) == len(found.paths)
    last = min(scores.values(), default=0.0)
    for path in wanted.paths:
        if path.log_score > last + 1e-4:                 # at the very end two may change places
            assert scores[path.value, path.complete] == pytest.approx(path.log_score, abs=1e-4)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_and_sounds_give_the_same_n_best(seed):
    rng = np.random.default_rng(seed)
    graph, sound = random_graph(rng), posteriors(rng, int(rng.integers(1, 40)))
    settings = {"beam": int(rng.integers(3, 400)), "width": float(rng.uniform(3, 30)),
                "count": int(rng.integers(1, 60)), "garbage": float(rng.uniform(0.2, 3))}
    assert_same(decode(graph, sound, **settings), plain(graph, sound, **settings))


@pytest.mark.parametrize("name", ["plate", "yes_no", "owner_answer"])
def test_the_products_grammars_give_the_same_n_best(name):
    grammar = Grammar.load(name)
    for seed in range(3):
        said = grammar.sample(random.Random(seed))
        sound = heard([unit for unit in said.units if unit != "*"], np.random.default_rng(seed), 2.2)
        assert_same(decode(grammar.graph, sound, beam=1000), plain(grammar.graph, sound, beam=1000))


def test_the_best_path_was_said_when_the_plain_search_says_so():
    grammar = graph_of(start=[{"say": "{digit}{digit}{digit}"}],
                       digit=[{"say": "(一|幺)", "value": "1"}, {"say": "七", "value": "7"}])
    sound = heard(["yi", "qi", "yao"], np.random.default_rng(2))
    assert decode(grammar.graph, sound).paths[0].steps == plain(grammar.graph, sound).paths[0].steps


def test_a_graph_of_thousands_of_nodes_is_searched():
    rng = np.random.default_rng(7)
    graph, sound = random_graph(rng, nodes=6000, states=3000), posteriors(rng, 60)
    assert_same(decode(graph, sound, beam=1000), plain(graph, sound, beam=1000))


def test_searches_in_several_threads_do_not_meet():
    grammar, rng = Grammar.load("yes_no"), np.random.default_rng(4)
    sounds = [heard(grammar.sample(random.Random(seed)).units, rng) for seed in range(4)]
    alone = [decode(grammar.graph, sound).paths for sound in sounds]
    together = [[] for _ in sounds]
    threads = [threading.Thread(target=lambda i=i: [together[i].append(
        decode(grammar.graph, sounds[i]).paths) for _ in range(30)]) for i in range(len(sounds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(paths == alone[i] for i, many in enumerate(together) for paths in many)
    assert [len(many) for many in together] == [30] * 4


@pytest.mark.parametrize("strange", [np.nan, -np.inf, -1e30])
def test_strange_numbers_give_an_answer_and_no_crash(strange):
    graph = random_graph(np.random.default_rng(1))
    decode(graph, np.full((9, FEW_UNITS), strange, np.float32))


def test_no_frames_give_no_paths():
    assert decode(random_graph(np.random.default_rng(1)), np.zeros((0, FEW_UNITS))).paths == ()


@pytest.mark.parametrize("wrong", [{"beam": 0}, {"count": 0}, {"width": 900.0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="beam and count"):
        decode(random_graph(np.random.default_rng(1)), np.zeros((3, FEW_UNITS)), **wrong)


def test_a_grammar_for_more_units_than_the_model_has_is_refused():
    with pytest.raises(ValueError, match="unit"):
        decode(Grammar.load("plate").graph, np.zeros((3, len(UNITS) - 300)))
