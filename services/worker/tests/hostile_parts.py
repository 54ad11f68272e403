"""Documents with hostile fonts, outlines, actions and ciphers."""

from collections.abc import Iterator

from reportlab.lib.pdfencrypt import StandardEncryption

from services.worker.tests.hostile_ends import ANY_END, BROKEN, ENCRYPTED, READ, Case
from services.worker.tests.pdf_builder import (
    bomb,
    deflated,
    font,
    good,
    noise,
    outline,
    page,
    pdf,
    stream,
    wide_outline,
)


def _fonts() -> Iterator[Case]:
    """Fonts."""
    yield (
        "a TrueType font of noise",
        lambda: font(
            b"/Subtype /TrueType /FontDescriptor 6 0 R",
            {
                6: b"<< /Type /FontDescriptor /FontName /Evil /FontFile2 7 0 R >>",
                7: stream(b"\0\1\0\0\0\x10" + noise(9_999)),
            },
        ),
        READ,
    )
    yield (
        "a Type 1 font of noise",
        lambda: font(
            b"/Subtype /Type1 /FontDescriptor 6 0 R",
            {
                6: b"<< /Type /FontDescriptor /FontName /Evil /FontFile 7 0 R >>",
                7: stream(b"%!PS-AdobeFont" + noise(9_999)),
            },
        ),
        READ,
    )
    yield (
        "a CFF font of noise",
        lambda: font(
            b"/Subtype /Type1 /FontDescriptor 6 0 R",
            {
                6: b"<< /Type /FontDescriptor /FontName /Evil /FontFile3 7 0 R >>",
                7: stream(b"\1\0\4\4" + noise(9_999), b"/Subtype /Type1C"),
            },
        ),
        READ,
    )
    yield (
        "a Type 3 font that draws itself",
        lambda: font(
            b"/Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 72 /LastChar 72 /Widths [1]"
            b" /Encoding << /Differences [72 /H] >> /CharProcs << /H 6 0 R >> /Resources << /Font << /F 5 0 R >> >>",
            {6: stream(b"1 0 d0 BT /F 1 Tf (H) Tj ET")},
        ),
        READ,
    )
    yield (
        "a character map of ranges without end",
        lambda: font(
            b"/Subtype /Type1 /ToUnicode 6 0 R",
            {6: deflated(b"begincmap\n" + b"1 beginbfrange\n<00000000> <FFFFFFFF> <0000>\nendbfrange\n" * 1_000)},
        ),
        ANY_END,
    )
    yield (
        "fonts that descend from each other",
        lambda: font(b"/Subtype /Type0 /Encoding /Identity-H /DescendantFonts [5 0 R]", {}),
        READ,
    )


def _outlines() -> Iterator[Case]:
    """Outlines and metadata."""
    yield "an outline of itself", lambda: outline({7: b"<< /Title (a) /Parent 6 0 R /First 7 0 R /Next 7 0 R >>"}), READ
    yield (
        "an outline of two in a ring",
        lambda: outline(
            {7: b"<< /Title (a) /Next 8 0 R /First 8 0 R >>", 8: b"<< /Title (b) /Next 7 0 R /First 7 0 R >>"}
        ),
        READ,
    )
    yield "an outline of 50,000", lambda: wide_outline(50_000), READ
    yield (
        "a title that is no text",
        lambda: pdf(
            {6: b"<< /Title <FEFFD800D800DC00> /Author 7 /CreationDate (D:99999999999999) /Keywords 6 0 R >>"},
            b"/Info 6 0 R",
        ),
        READ,
    )
    yield "a title of 30 MB", lambda: pdf({6: b"<< /Title (%s) >>" % (b"x" * 30_000_000)}, b"/Info 6 0 R"), READ


def _actions() -> Iterator[Case]:
    """What would do something."""
    actions = (
        b"/OpenAction << /S /JavaScript /JS (while (1) app.alert\\(1\\);) >>"
        b" /AA << /WC << /S /Launch /F (/bin/sh) >> >> /AcroForm << /XFA (<xdp/>) /Fields [] >>"
    )
    yield "scripts and launches", lambda: pdf({1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % actions}), READ
    yield (
        "links to files and servers",
        lambda: page(
            b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /GoToR /F (\\\\\\\\evil\\\\share) >> >>"
            b" << /Type /Annot /Subtype /Widget /Rect [0 0 9 9] /A << /S /SubmitForm /F (http://127.0.0.1/) >> >>]"
        ),
        READ,
    )
    yield (
        "a file in the file",
        lambda: pdf(
            {
                1: b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >> >>",
                6: b"<< /Type /Filespec /F (../../../etc/passwd) /EF << /F 7 0 R >> >>",
                7: stream(bomb(1 << 30), b"/Type /EmbeddedFile /Filter /FlateDecode"),
            }
        ),
        READ,
    )
    yield (
        "a page that is a file of the system",
        lambda: pdf({4: b"<< /Length 0 /F (/etc/passwd) /FFilter /FlateDecode >>\nstream\n\nendstream"}),
        READ,
    )


def _encrypted() -> Iterator[Case]:
    """Encrypted."""
    yield "a password to open it", lambda: good(1, StandardEncryption("opens", "owns", strength=128)), ENCRYPTED
    yield "a password to change it", lambda: good(1, StandardEncryption("", "owns", strength=128)), READ
    yield "an unknown cipher", lambda: pdf({6: b"<< /Filter /Evil /V 9 >>"}, b"/Encrypt 6 0 R /ID [(a) (a)]"), ENCRYPTED
    yield (
        "a cipher of itself",
        lambda: pdf({6: b"<< /Filter /Standard /V 5 /R 6 /O (x) /U (x) /P 6 0 R /Length 99999 >>"}, b"/Encrypt 6 0 R"),
        frozenset({ENCRYPTED, BROKEN}),
    )


def cases() -> Iterator[Case]:
    yield from _fonts()
    yield from _outlines()
    yield from _actions()
    yield from _encrypted()
