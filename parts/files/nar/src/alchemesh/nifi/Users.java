package alchemesh.nifi;

import java.time.Duration;
import java.util.Map;
import org.apache.nifi.authentication.AuthenticationResponse;
import org.apache.nifi.authentication.LoginCredentials;
import org.apache.nifi.authentication.LoginIdentityProvider;
import org.apache.nifi.authentication.LoginIdentityProviderConfigurationContext;
import org.apache.nifi.authentication.LoginIdentityProviderInitializationContext;
import org.apache.nifi.authentication.exception.InvalidLoginCredentialsException;

/**
 * Users and their passwords, from its properties. It stands for NiFi's SingleUserLoginIdentityProvider and its words; all else of a
 * login, tokens above all, is NiFi's own.
 */
public class Users implements LoginIdentityProvider {

    private static final Duration SESSION = Duration.ofHours(8);

    private Map<String, String> passwords = Map.of();

    @Override
    public void initialize(LoginIdentityProviderInitializationContext context) {
    }

    @Override
    public void onConfigured(LoginIdentityProviderConfigurationContext context) {
        passwords = Map.copyOf(context.getProperties());
    }

    @Override
    public AuthenticationResponse authenticate(LoginCredentials credentials) {
        String user = credentials.getUsername();
        if (!credentials.getPassword().equals(passwords.get(user))) {
            throw new InvalidLoginCredentialsException("The supplied username and password are not valid.");
        }
        return new AuthenticationResponse(user, user, SESSION.toMillis(), Users.class.getSimpleName());
    }

    @Override
    public void preDestruction() {
    }
}
