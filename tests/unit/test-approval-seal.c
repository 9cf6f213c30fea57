/* The approver's signature: a stored format, and no member of it can be changed. */
#include "ct-base.h"
#include "ct-approval-seal.h"

#include <sodium.h>
#include <string.h>

static CtApprovalSeal
example (void)
{
  CtApprovalSeal seal = { .payload = ct_hash ("p", 1),
                          .context = ct_hash ("c", 1),
                          .channel = "slack",
                          .destination = "#ops",
                          .approver = "anna",
                          .expires_at = 1700000000000,
                          .nonce = { 1, 2, 3 } };

  g_assert_true (ct_id_parse ("018bcfe5-6800-7000-8000-000000000001", &seal.approval));
  return seal;
}

static void
make_key (guint8 public[CT_SEAL_PUBLIC_SIZE], guint8 secret[CT_SEAL_SECRET_SIZE])
{
  static const guint8 seed[crypto_sign_SEEDBYTES] = { 7 };

  g_assert_cmpint (sodium_init (), >=, 0);
  crypto_sign_seed_keypair (public, secret, seed);
}

static void
test_format (void)
{
  CtApprovalSeal seal = example ();
  g_autofree char *statement = ct_approval_seal_statement (&seal);

  g_assert_cmpstr (
      statement, ==,
      "{\"approval\":\"018bcfe5-6800-7000-8000-000000000001\",\"approver\":\"anna\",\"channel\":\"slack\","
      "\"context_sha256\":\"2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6\","
      "\"destination\":\"#ops\",\"expires_at\":1700000000000,"
      "\"nonce\":\"01020300000000000000000000000000\","
      "\"payload_sha256\":\"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940\","
      "\"purpose\":\"control-tower/approval\",\"v\":1}");
}

static void
test_changed (void)
{
  guint8 public[CT_SEAL_PUBLIC_SIZE], secret[CT_SEAL_SECRET_SIZE], signature[CT_SEAL_SIGNATURE_SIZE];
  CtApprovalSeal good = example ();
  CtApprovalSeal changed[8];

  make_key (public, secret);
  g_assert_true (ct_approval_seal_sign (&good, secret, signature, NULL));
  g_assert_true (ct_approval_seal_verify (&good, public, signature, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (changed); i++)
    changed[i] = good;
  changed[0].approval.bytes[15]++;
  changed[1].payload.bytes[0]++;
  changed[2].context.bytes[31]++;
  changed[3].channel = "telegram";
  changed[4].destination = "#all";
  changed[5].approver = "boris";
  changed[6].expires_at++;
  changed[7].nonce[15]++;
  for (guint i = 0; i < G_N_ELEMENTS (changed); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (ct_approval_seal_verify (&changed[i], public, signature, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  }
  signature[0]++;
  g_assert_false (ct_approval_seal_verify (&good, public, signature, NULL));
  good.approver = NULL;
  g_assert_false (ct_approval_seal_sign (&good, secret, signature, NULL));
  g_assert_false (ct_approval_seal_verify (&good, public, signature, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/approval-seal/format", test_format);
  g_test_add_func ("/approval-seal/changed", test_changed);
  return g_test_run ();
}
