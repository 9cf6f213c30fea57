#!/usr/bin/python3
"""Counts the test cases in a build directory's junit files and prints 'N passed, N failed[, N skipped]'."""
import glob
import sys
import xml.etree.ElementTree as ET

passed = failed = skipped = 0
for path in glob.glob(sys.argv[1] + '/meson-logs/testlog*.junit.xml'):
    for suite in ET.parse(path).getroot().iter('testsuite'):
        cases = suite.findall('testcase')
        bad = 0
        for case in cases:
            if case.find('failure') is not None or case.find('error') is not None:
                failed += 1
                bad += 1
                print('FAILED', suite.get('name'), case.get('name'))
            elif case.find('skipped') is not None:
                skipped += 1
            else:
                passed += 1
        # a program that died between two cases has no failed case of its own
        if not bad and int(suite.get('failures') or 0) + int(suite.get('errors') or 0):
            failed += 1
            print('FAILED', suite.get('name'))
print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
sys.exit(1 if failed or not passed else 0)
