// Owned: pointers of OpenSSL's that free themselves.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace fanfare::tls {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};

using OwnedBio = std::unique_ptr<BIO, Freed<BIO_free>>;
using OwnedBioMethod = std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>>;
using OwnedCertificate = std::unique_ptr<X509, Freed<X509_free>>;
using OwnedCipher = std::unique_ptr<EVP_CIPHER, Freed<EVP_CIPHER_free>>;
using OwnedCipherState = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using OwnedRevocations = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using OwnedSsl = std::unique_ptr<SSL, Freed<SSL_free>>;
using OwnedSslServer = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

}  // namespace fanfare::tls
