#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The table of hiding places: each row's image is built, plain and in gzip layers, and what peel says of Python in it is
compared with what is there. Then images without Python, of real software. Misses and false alarms are counted; the table is
printed whatever comes of it.
"""
import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'), os.path.dirname(os.path.abspath(__file__))]
import mkimage  # noqa: E402
import clean  # noqa: E402
import debs  # noqa: E402
import rows  # noqa: E402

PEEL = os.environ['PEEL']


def name_of(value):
    """A name as JSON has it: exact bytes where it is not UTF-8."""
    raw = base64.b64decode(value['path_b64']) if 'path_b64' in value else value['path'].encode()
    return raw.decode('utf-8', 'surrogateescape')


def ask(image, *words):
    done = subprocess.run([PEEL, 'detect', '--no-cache', '--output', 'json', *words[:-1], image, words[-1]],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 3) or not done.stdout:
        raise SystemExit('peel detect: %d: %s' % (done.returncode, done.stderr.decode(errors='replace')))
    document = json.loads(done.stdout)
    if 'images' in document:
        document = {'findings': [one for image in document['images'] for one in image['findings']]}
    return done.returncode, document


def found_in(document):
    """(tier, names, verdict), sorted."""
    return sorted((one['tier'], ' = '.join(name_of(name) for name in one['names']), 'visible' if one['visible'] else 'shipped')
                  for one in document['findings'])


def write_image(path, image, codec):
    """The image of a row in a file; @return what else peel must be told."""
    if image.form == 'missing':
        whole = path + '.whole'
        mkimage.build(whole, image.layers, 'oci', codec)
        # The upper layer's blob goes away, as where an engine saved only what it had.
        with open(os.path.join(whole, 'index.json'), encoding='utf-8') as file:
            manifest = json.load(file)['manifests'][0]['digest'][7:]
        with open(os.path.join(whole, 'blobs/sha256', manifest), encoding='utf-8') as file:
            os.unlink(os.path.join(whole, 'blobs/sha256', json.load(file)['layers'][-1]['digest'][7:]))
        os.rename(whole, path)
        return []
    if image.form == 'platforms':
        build_platforms(path, image, codec)
        return ['--all-platforms']
    mkimage.build(path, image.layers, 'oci-archive' if codec != 'none' else 'docker-archive', codec, env=image.env,
                  settings=image.settings)
    return []


def build_platforms(path, image, codec):
    """A layout with two platforms, of which the second has the row's layers."""
    manifests = []
    for platform, layers in (('linux/amd64', [{'entries': []}]), ('linux/arm64', image.layers)):
        mkimage.build(path, layers, 'oci', codec, platform=platform)
        with open(os.path.join(path, 'index.json'), encoding='utf-8') as file:
            manifests += json.load(file)['manifests']
    with open(os.path.join(path, 'index.json'), 'w', encoding='utf-8') as file:
        json.dump({'schemaVersion': 2, 'manifests': manifests}, file)


def check_details(image, document):
    """Evidence and words of titles that a row wants."""
    wrong = []
    findings = {name_of(one['names'][0]): one for one in document['findings']}
    for name, kind, text in image.evidence:
        evidence = [(one['type'], one['text']) for one in findings.get(name, {'evidence': []})['evidence']]
        if (kind, text) not in evidence:
            wrong.append('%s lacks the evidence %s %s' % (name, kind, text))
    for name, word in image.title.items():
        if word not in findings.get(name, {'title': ''})['title']:
            wrong.append('%s is not called "%s"' % (name, word))
    for one in document['findings']:
        if one['tier'] in ('interpreter', 'embedder') and not one['evidence']:
            wrong.append('%s has no evidence' % name_of(one['names'][0]))
    return wrong


class Run:
    """Counts of all rows."""
    def __init__(self):
        self.missed = self.alarms = self.wrong = self.images = self.skipped = 0

    def row(self, number, what, build):
        """One row in both codecs."""
        try:
            image = build()
        except debs.Missing as why:
            self.skipped += 1
            print('%4s  %-9s %s: %s' % (number, 'SKIPPED', what, why))
            return
        notes = []
        missed = alarms = wrong = 0
        for codec in ('none', 'gzip'):
            with tempfile.TemporaryDirectory() as work:
                path = os.path.join(work, 'image')
                words = write_image(path, image, codec)
                status, document = ask(path, *words, 'python')
            got = found_in(document)
            lost = [one for one in image.want if image.want.count(one) > got.count(one)]
            more = [one for one in got if got.count(one) > image.want.count(one)]
            details = check_details(image, document)
            fatal = any(tier in ('interpreter', 'embedder') for tier, _, _ in image.want)
            if status != (image.status if image.status is not None else int(fatal)):
                details.append('status %d' % status)
            missed, alarms, wrong = missed + len(lost), alarms + len(more), wrong + len(details)
            notes += ['%s: missed %s' % (codec, one) for one in lost] + ['%s: too many %s' % (codec, one) for one in more]
            notes += ['%s: %s' % (codec, one) for one in details]
            self.images += 1
        self.missed, self.alarms, self.wrong = self.missed + missed, self.alarms + alarms, self.wrong + wrong
        print('%4s  %-9s %s' % (number, 'ok' if not notes else 'FAILED', what))
        for note in notes:
            print('      - ' + ascii(note))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--full', action='store_true', help='rows and images of large packages too')
    parser.add_argument('--row', type=int, help='this row alone')
    args = parser.parse_args()
    run = Run()
    print(' row  result    where Python hides, plain and gzip')
    for number, what, full, build in rows.ROWS:
        if (args.full or not full) and args.row in (None, number):
            run.row(number, what, build)
    for number, why in rows.NOT_BUILT.items():
        print('%4d  %-9s %s' % (number, 'not built', why))
    for what, full, build in clean.IMAGES:
        if (args.full or not full) and args.row is None:
            run.row('-', 'no Python: ' + what, build)
    numbers = {number for number, _, full, _ in rows.ROWS if args.full or not full}
    print('%d rows of 42, %d images: misses %d, false alarms %d, other complaints %d, skipped %d' %
          (len(numbers), run.images, run.missed, run.alarms, run.wrong, run.skipped))
    if run.missed or run.alarms or run.wrong:
        return 1
    if run.skipped:
        print('SKIP: some software could not be downloaded: %d rows or images were not checked' % run.skipped)
        return 77
    return 0


sys.exit(main())
