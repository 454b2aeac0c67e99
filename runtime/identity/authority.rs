//! Certificates: each agent gets short-lived ones from the owner's issuing certificate (SPIFFE X.509-SVID).
//! <https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md>

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::SigningKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Attested;
use workerd_lite_ops::clock;

use crate::keys::process::{HeldKey, KeyProcess};
use crate::keys::{Dates, Invalid, IssuingKey, KeyKind, KeySource, RemoteKey, TlsKey, read_certificates};

/// Verifiers' clocks may be behind ours by this.
const BACKDATED: Duration = Duration::from_mins(5);

/// No certificate holds for longer: X.509 tells no year after 9999.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// An issuing certificate with its key.
pub struct Authority {
    issuer: rcgen::Issuer<'static, IssuingKey>,
    chain: Vec<CertificateDer<'static>>,
    dates: Dates,
    ttl: Duration,
    /// What makes agents' keys, where this process does not.
    process: Option<Arc<KeyProcess>>,
}

/// A certificate that was issued.
pub(crate) struct Issued {
    /// With its chain.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<dyn SigningKey>,
    /// The key, where another process has it.
    pub(crate) held: Option<Arc<HeldKey>>,
    /// When to renew it: at half of its time.
    pub(crate) renew: Duration,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Reads the issuing certificate, with its chain below the root, and its key. Certificates hold for `ttl`. Whether
    /// the issuing one holds now is another question.
    pub fn load(cert: &Path, key: &KeySource, ttl: Duration, process: Option<Arc<KeyProcess>>) -> Result<Self, String> {
        let chain = read_certificates(cert).map_err(|error| error.to_string())?;
        let dates = Dates::of_chain(&chain).map_err(|why| format!("{}: {why}", cert.display()))?;
        let pair = key.issuing()?;
        let first = chain.first().ok_or_else(|| format!("{} is empty", cert.display()))?;
        // The key must be the certificate's, or nobody would believe what it signs.
        rustls::sign::CertifiedKey::new(chain.clone(), key.tls()?)
            .keys_match()
            .map_err(|_| format!("{key} is not the private key of the certificate in {}", cert.display()))?;
        let issuer = rcgen::Issuer::from_ca_cert_der(first, pair)
            .map_err(|error| format!("{}: it can not issue: {error}", cert.display()))?;
        Ok(Self {
            issuer,
            chain,
            dates,
            ttl,
            process,
        })
    }

    /// When the issuing certificate holds.
    pub(crate) fn dates(&self) -> &Dates {
        &self.dates
    }

    /// Whether the issuing certificate holds now. Warns where that ends soon.
    pub(crate) fn check_dates(&self) -> Result<(), Invalid> {
        self.dates.check()?;
        self.dates.warn_of_end("the issuing certificate");
        Ok(())
    }

    /// A new certificate.
    pub(super) fn issue(&self, agent: &Attested, trust_domain: &str) -> Result<Issued, String> {
        self.dates
            .check()
            .map_err(|why| format!("the issuing certificate {why}"))?;
        let failed = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, agent.name.as_str());
        if let Some(tenant) = &agent.tenant {
            name.push(DnType::OrganizationName, tenant.as_str());
        }
        name.push(DnType::OrganizationalUnitName, agent.code_sha256.as_str());
        params.distinguished_name = name;
        let id = agent.spiffe_id(trust_domain);
        params.subject_alt_names = vec![SanType::URI(id.as_str().try_into().map_err(failed)?)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        // Fifteen bytes stay a positive integer within RFC 5280's twenty.
        let mut serial = uuid::Uuid::new_v4().as_bytes()[..15].to_vec();
        serial[0] = serial[0] & 0x7f | 0x40;
        params.serial_number = Some(SerialNumber::from(serial));
        let now = clock::wall();
        let since = now.checked_sub(BACKDATED).filter(|since| *since > UNIX_EPOCH);
        let until = now.checked_add(self.ttl.min(LONGEST));
        let (Some(since), Some(until)) = (since, until) else {
            return Err("the clock is wrong".into());
        };
        params.not_before = since.into();
        params.not_after = until.into();
        let (certificate, key, held): (_, Arc<dyn SigningKey>, _) = if let Some(process) = &self.process {
            let held = HeldKey::make(process, KeyKind::P256)?;
            let key = TlsKey(Arc::clone(&held) as Arc<dyn RemoteKey>);
            let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
            (certificate, Arc::new(key), Some(held))
        } else {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
            let certificate = params.signed_by(&pair, &self.issuer).map_err(failed)?;
            let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
            let key = any_supported_type(&der).map_err(|error| error.to_string())?;
            (certificate, key, None)
        };
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.chain.iter().cloned());
        Ok(Issued {
            chain,
            key,
            held,
            renew: self.ttl / 2,
        })
    }
}
