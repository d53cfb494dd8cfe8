# SPDX-License-Identifier: Apache-2.0
"""The demonstration: section 3.1 of the draft between two virtual hosts.

    demo.py DIRECTORY     captures and logs are left there
"""

import sys

import lab
import wire

ALL = {"esp_transport": "require", "ah": "require", "esp_network": "require"}
AH = {"ah": "require"}


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n{text}\n{'=' * len(text)}\n")


def arguments(levels):
    return [f"{category}={level}" for category, level in levels.items()]


class Scene:
    """One server at `levels`, and the clients that talk to it."""

    def __init__(self, two, sas, family, levels):
        self.two, self.sas, self.family, self.levels = two, sas, family, levels
        self.port = 7000 + family + (100 if len(levels) > 1 else 0)
        name = "-".join(["v%d" % family] + (["all"] if len(levels) > 1 else ["ah"]))
        self.capture = two.capture(name)
        self.server = two.bob.spawn(
            two.program("level_server"), "-t", "30", two.bob.address(family), self.port,
            *arguments(levels))
        lab.wait_until(lambda: two.bob.listening(self.port), "the server listens")

    def client(self, levels):
        """True when the client got its data."""
        result = self.two.alice.run(
            self.two.program("level_client"), "-t", "2",
            self.two.bob.address(self.family),
            self.port, *arguments(levels))
        return result.returncode == 0

    def frames(self):
        """What tshark saw on the wire; the scene is over."""
        lab.end_process(self.server)
        frames = wire.read(self.capture.stop(), self.sas)
        return [f for f in frames if f.tcp]

    def draw(self, frames, client_name):
        say(wire.ladder(frames, {self.two.alice.address(self.family)},
                        {self.two.bob.address(self.family)}, client_name, "Server"))


def expect(truth, what):
    if not truth:
        raise lab.LabError(f"the demonstration failed: {what}")


def section_3_1(two, sas, family):
    heading(f"Section 3.1, IPv{family}: the server requires AH")
    scene = Scene(two, sas, family, AH)
    expect(not scene.client({}), "ClientA, without the option, got through")
    refused = two.bob.drops().get("policy_requires_ah", 0)
    expect(refused, "the refused SYN was not counted")
    expect(scene.client(AH), "ClientB, with the option, got nothing")
    frames = scene.frames()
    plain = [f for f in frames if not f.has("ah")]
    secure = [f for f in frames if f.has("ah")]
    expect({f.tcp for f in plain} == {"syn"}, "ClientA got an answer")
    expect([f.tcp for f in secure[:3]] == ["syn", "syn/ack", "ack"],
           "ClientB's handshake is not on the wire")
    scene.draw(plain, "ClientA")
    say("    dropped: policy_requires_ah\n")
    scene.draw(secure, "ClientB")
    return scene.capture.file


def all_three(two, sas, family):
    heading(f"The same, IPv{family}, with all three categories (decrypted by tshark)")
    scene = Scene(two, sas, family, ALL)
    expect(not scene.client(AH), "a client with AH alone got through")
    expect(scene.client(ALL), "the client with all three categories got nothing")
    frames = [f for f in scene.frames() if f.has("esp")]
    expect(frames and all(f.layers.count("esp") == 2 and f.has("ah") for f in frames),
           "not every packet carries all three")
    scene.draw(frames, "Client")
    return scene.capture.file


def counters(two):
    heading("What was refused, and why")
    for host in two.hosts:
        say(host.postern("stats").stdout.rstrip())
        say()


def main():
    with lab.Lab(keep=sys.argv[1]) as two:
        sas = lab.all_sas()
        two.start(sas=sas)
        files = [section_3_1(two, sas, 6), section_3_1(two, sas, 4)]
        files += [all_three(two, sas, 6), all_three(two, sas, 4)]
        counters(two)
        heading("Look for yourself")
        say("Captures: " + " ".join(str(f) for f in files))
        say("The last but one, decrypted:\n")
        say(wire.command_line(files[2], [s for s in sas if s.family == 6]))


if __name__ == "__main__":
    try:
        main()
    except lab.LabError as error:
        sys.exit(f"demo: {error}")
