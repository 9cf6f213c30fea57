#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bounds of a signed note; the specification asks for at least 16 signatures. */
#define CT_NOTE_MOST_BYTES      (256 * 1024)
#define CT_NOTE_MOST_SIGNATURES 64
#define CT_NOTE_MOST_NAME       255

typedef struct _CtVerifier CtVerifier;
typedef struct _CtSigner CtSigner;

CtVerifier *ct_verifier_parse (const char *vkey, GError **error);
char *ct_verifier_to_string (const CtVerifier *self);
const char *ct_verifier_name (const CtVerifier *self);
CtVerifier *ct_verifier_copy (const CtVerifier *self);
void ct_verifier_free (CtVerifier *self);

CtSigner *ct_signer_generate (const char *name, GError **error);
CtSigner *ct_signer_parse (const char *key, GError **error);
CtSigner *ct_signer_load (const char *path, GError **error);
gboolean ct_signer_save (const CtSigner *self, const char *path, GError **error);
const CtVerifier *ct_signer_verifier (const CtSigner *self);
void ct_signer_free (CtSigner *self);

char *ct_note_sign (const char *text, const CtSigner *signer, GError **error);
char *ct_note_open (const char *note, gssize length, const CtVerifier *verifier, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtVerifier, ct_verifier_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtSigner, ct_signer_free)

G_END_DECLS
