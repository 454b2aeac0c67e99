//! A certificate authority for one run: a server's certificate, a client's, and a stranger's.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};

/// Where the files are.
pub struct Certs {
    pub folder: PathBuf,
}

impl Certs {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes `ca`, `server`, `agent`, `stranger`, `expired` and `other` as `.pem` with `.key`.
    pub fn make(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let certs = Self {
            folder: folder.to_owned(),
        };
        let ca = authority("workerd-lite example CA");
        let foreign = authority("Somebody Else's CA");
        std::fs::write(certs.path("ca.pem"), ca.pem()).unwrap();
        std::fs::write(certs.path("ca.key"), ca.key().serialize_pem()).unwrap();
        certs.leaf("server", "partner.localhost", &ca, |_| {});
        certs.leaf("agent", "scout agent", &ca, |_| {});
        certs.leaf("stranger", "stranger", &foreign, |_| {});
        certs.leaf("self-signed", "partner.localhost", &foreign, |_| {});
        certs.leaf("expired", "partner.localhost", &ca, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        certs.leaf("other", "other.example", &ca, |params| {
            params.subject_alt_names = vec![SanType::DnsName("other.example".try_into().unwrap())];
        });
        certs
    }

    /// A list of these serial numbers, in force for so many days.
    pub fn list(&self, file: &str, serials: &[String], days: i64) {
        let read = |name: &str| std::fs::read_to_string(self.path(name)).unwrap();
        let key = rcgen::KeyPair::from_pem(&read("ca.key")).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_pem(&read("ca.pem"), key).unwrap();
        let now = std::time::SystemTime::now();
        let day = |days: i64| {
            let far = std::time::Duration::from_hours(24 * days.unsigned_abs());
            if days < 0 { now - far } else { now + far }
        };
        let revoked = serials.iter().map(|serial| rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(hex::decode(serial).unwrap()),
            revocation_time: now.into(),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let params = rcgen::CertificateRevocationListParams {
            this_update: day(-10).into(),
            next_update: day(days).into(),
            crl_number: rcgen::SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        std::fs::write(self.path(file), params.signed_by(&issuer).unwrap().pem().unwrap()).unwrap();
    }

    /// A client's certificate and key in PEM, by an authority's files.
    pub fn sign(ca: &Path, key: &Path, common_name: &str) -> (String, String) {
        Self::sign_until(ca, key, common_name, 100)
    }

    /// The same, from the first day of one year to that of another.
    pub fn sign_between(ca: &Path, key: &Path, common_name: &str, years: (i32, i32)) -> (String, String) {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&read(ca), KeyPair::from_pem(&read(key)).unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    }

    /// An authority of its own, as files of this name.
    pub fn authority_between(folder: &Path, file: &str, years: (i32, i32)) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{file}.pem")), authority.pem()).unwrap();
        std::fs::write(folder.join(format!("{file}.key")), authority.key().serialize_pem()).unwrap();
    }

    /// The same, for this many days.
    pub fn sign_until(ca: &Path, key: &Path, common_name: &str, days: u64) -> (String, String) {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&read(ca), KeyPair::from_pem(&read(key)).unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = (std::time::SystemTime::now() + std::time::Duration::from_hours(days * 24)).into();
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap();
        (cert.pem(), key.serialize_pem())
    }

    fn leaf(
        &self,
        file: &str,
        common_name: &str,
        ca: &CertifiedIssuer<'_, KeyPair>,
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params = CertificateParams::new(vec!["partner.localhost".to_owned(), "localhost".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, ca).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), cert.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
