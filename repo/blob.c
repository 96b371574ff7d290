#include <openssl/evp.h>
#include <stdio.h>

#include "blob.h"

int
blob_name(const char *data, size_t len, size_t digits, char out[REPO_REV])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char head[40];
	int hl = snprintf(head, sizeof(head), "blob %zu", len) + 1;
	unsigned n = 0;
	int ok = EVP_DigestInit_ex(ctx, digits == 64 ? EVP_sha256() :
	    EVP_sha1(), NULL) && EVP_DigestUpdate(ctx, head, (size_t)hl) &&
	    EVP_DigestUpdate(ctx, data, len) &&
	    EVP_DigestFinal_ex(ctx, md, &n);

	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; ok && i < n && i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	return (ok ? 0 : -1);
}
